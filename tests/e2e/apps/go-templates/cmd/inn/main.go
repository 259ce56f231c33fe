package main

import (
	"log"
	"net/http"
	"os"

	"example.org/inn/internal/guests"
	"example.org/inn/internal/web"
)

func main() {
	rooms, err := guests.Load("config/rooms.json")
	if err != nil {
		log.Fatal(err)
	}
	port := os.Getenv("PORT")
	if port == "" {
		port = "8080"
	}
	log.Printf("%d rooms, listening on %s", len(rooms), port)
	log.Fatal(http.ListenAndServe(":"+port, web.Handler(rooms)))
}
