"""Which programs and packages need root, and what their start may do without it.

The programs bind ports under 1024, switch to users of their own, or change the network, devices or the system. Sources:
the programs' manuals, and the Dockerfiles of their official images, which start as root for that reason
(https://github.com/docker-library/official-images).
"""

from __future__ import annotations

from typing import Final

from rewriter.model.managers.vocabulary import names

NEEDS_ROOT: Final = names(
    "nginx openresty httpd httpd-foreground apache2 apache2ctl apachectl apache2-foreground php-fpm haproxy squid "
    "lighttpd varnishd caddy traefik supervisord supervisorctl sshd cron crond anacron crontab init systemd systemctl "
    "service rc-service openrc runsvdir runit s6-svscan s6-overlay circusd monit dockerd containerd mysqld mariadbd "
    "mysqld_safe postgres pg_ctl mongod redis-server rabbitmq-server memcached named dnsmasq unbound slapd vsftpd "
    "proftpd pure-ftpd smbd nmbd nfsd postfix dovecot exim openvpn wg wg-quick ipsec iptables ip6tables nft ufw tc ip "
    "mount umount sysctl modprobe insmod chroot chown chgrp chmod useradd adduser groupadd addgroup usermod groupmod "
    "passwd chpasswd setcap dbus-daemon avahi-daemon rsyslogd syslogd fail2ban-server apt apt-get apk yum dnf "
    "microdnf dpkg rpm update-ca-certificates update-alternatives ldconfig sudo su gosu su-exec setpriv runuser s3fs "
    "gcsfuse rclone hostapd tcpdump keepalived ntpd chronyd"
)
"""Programs whose start means that the container is to run as root."""

PACKAGES: Final = names(
    "nginx nginx-light nginx-full nginx-extras apache2 httpd lighttpd haproxy squid openssh-server openssh supervisor "
    "cron cronie dcron busybox-suid anacron systemd systemd-sysv runit s6 s6-overlay openrc sudo gosu su-exec "
    "postgresql postgresql-server mysql-server mariadb-server mongodb redis redis-server rabbitmq-server memcached "
    "bind9 dnsmasq vsftpd samba nfs-kernel-server nfs-common cifs-utils fuse fuse3 s3fs sshfs davfs2 postfix "
    "dovecot-core exim4 openvpn wireguard wireguard-tools iptables nftables ipset iproute2-tc tcpdump nmap libpcap0.8 "
    "libpcap-dev libpcap docker docker.io docker-ce docker-ce-cli docker-cli containerd podman bluez pigpio i2c-tools "
    "usbutils pcscd cups avahi-daemon dbus rsyslog fail2ban isc-dhcp-server hostapd freeradius slapd ntp chrony tor "
    "privoxy"
)
"""Packages of the final image that are there to be used by root, or that the program uses as root."""

LIBRARIES: Final = names(
    "docker docker-py aiodocker python-on-whales dockerode scapy pcapy pypcap netfilterqueue pyroute2 python-iptables "
    "pyshark raw-socket net-ping pcap cap ping3 icmplib rpi-gpio gpiozero pigpio lgpio spidev smbus smbus2 "
    "adafruit-blinka onoff rpio i2c-bus spi-device pyserial serialport pyusb usb node-hid hidapi evdev bluepy bleak "
    "pybluez noble @abandonware/noble bcc fusepy pyfuse3 python-pam prctl"
)
"""Libraries of Python and JavaScript that talk to the Docker socket, to devices or raw sockets: mostly root's."""

SERVER_IMAGES: Final = names(
    "nginx httpd php haproxy traefik caddy varnish memcached redis valkey postgres mysql mariadb percona mongo "
    "mongo-express couchdb couchbase cassandra rabbitmq elasticsearch kibana logstash influxdb telegraf neo4j vault "
    "consul docker registry wordpress drupal joomla ghost nextcloud owncloud matomo phpmyadmin adminer mediawiki "
    "rocket.chat sonarqube nexus jenkins tomcat jetty tomee websphere-liberty open-liberty zookeeper kafka solr nats "
    "eclipse-mosquitto teamspeak znc piwik backdrop friendica monica yourls spiped postfixadmin redmine odoo"
)
"""Official images whose entry points start as root on purpose, or lay out folders for a user of their own."""

WRITES_IN_MODULES: Final = frozenset(
    ("vite", "vite preview", "react-scripts start", "vue-cli-service serve", "nuxt", "astro", "next dev",
     "gatsby develop", "webpack serve", "webpack-dev-server", "ng serve", "strapi", "nest start")
)  # fmt: skip
"""Development servers that write caches or builds beside the installed packages.

https://vite.dev/guide/dep-pre-bundling#caching, https://angular.dev/cli/cache
"""
