// Package web shows the rooms.
package web

import (
	"html/template"
	"net/http"
	"time"

	"example.org/inn/internal/guests"
)

// Handler answers all requests.
func Handler(rooms []*guests.Room) http.Handler {
	pages := template.Must(template.ParseGlob("templates/*.html"))
	mux := http.NewServeMux()
	mux.Handle("/static/", http.StripPrefix("/static/", http.FileServer(http.Dir("static"))))
	mux.HandleFunc("/zone", func(w http.ResponseWriter, r *http.Request) {
		place, err := time.LoadLocation("Europe/Lisbon")
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.Write([]byte(place.String()))
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		if name := r.FormValue("guest"); r.Method == http.MethodPost && name != "" {
			rooms[0].Guests = append(rooms[0].Guests, name)
		}
		if err := pages.ExecuteTemplate(w, "rooms.html", rooms); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
	})
	return mux
}
