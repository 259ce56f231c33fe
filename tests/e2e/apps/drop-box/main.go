// The drop box takes letters and keeps them, one file each.
package main

import (
	"flag"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

func main() {
	banner := flag.String("banner", "", "a file to greet with")
	flag.Parse()
	greeting, err := os.ReadFile(*banner)
	if err != nil {
		log.Fatal(err)
	}
	spool := os.Getenv("SPOOL")
	for _, place := range []string{filepath.Join(spool, "opened"), "/var/log/drop-box/started", "/tmp/drop-box.pid"} {
		if err := os.WriteFile(place, []byte("yes\n"), 0o600); err != nil {
			log.Fatal(err)
		}
	}

	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost {
			w.Write(greeting)
			return
		}
		letter, err := os.Create(filepath.Join(spool, strconv.FormatInt(time.Now().UnixNano(), 36)))
		if err != nil {
			http.Error(w, err.Error(), http.StatusInsufficientStorage)
			return
		}
		defer letter.Close()
		size, _ := io.Copy(letter, r.Body)
		fmt.Fprintf(w, "took %d bytes\n", size)
	})
	log.Fatal(http.ListenAndServe(":8080", nil))
}
