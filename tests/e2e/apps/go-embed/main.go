package main

import (
	"embed"
	"flag"
	"fmt"
	"html/template"
	"io"
	"log"
	"net/http"
	"os"
	"path/filepath"
)

//go:embed pages/*.html
var pages embed.FS

//go:embed VERSION
var version string

func main() {
	listen := flag.String("listen", ":8080", "where to listen")
	flag.Parse()
	folder := os.Getenv("DATA_DIR")
	page := template.Must(template.ParseFS(pages, "pages/*.html"))

	http.HandleFunc("/healthz", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, "ok")
	})
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		file := filepath.Join(folder, "last.txt")
		if r.Method == http.MethodPost {
			body, _ := io.ReadAll(r.Body)
			if err := os.WriteFile(file, body, 0o644); err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
				return
			}
		}
		last, _ := os.ReadFile(file)
		page.ExecuteTemplate(w, "echo.html", map[string]string{"Last": string(last), "Version": version})
	})
	log.Fatal(http.ListenAndServe(*listen, nil))
}
