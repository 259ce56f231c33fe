"""Which places of a car park are free."""

import os

import MySQLdb
from flask import Flask, jsonify, render_template
from MySQLdb import _mysql

app = Flask(__name__)


def places():
    connection = MySQLdb.connect(
        host=os.environ.get("MYSQL_HOST", "127.0.0.1"),
        user=os.environ.get("MYSQL_USER", "parking"),
        passwd=os.environ.get("MYSQL_PASSWORD", ""),
        db="parking",
        connect_timeout=2,
    )
    with connection.cursor() as cursor:
        cursor.execute("SELECT name FROM places WHERE is_free")
        return [name for (name,) in cursor.fetchall()]


@app.get("/")
def index():
    return render_template("index.html", quoted=_mysql.escape_string(b"level 'B'").decode())


@app.get("/places")
def free():
    try:
        return jsonify(places())
    except MySQLdb.OperationalError as error:
        return jsonify(error=error.args[0]), 503
