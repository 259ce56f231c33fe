// Sundial tells the time of other places.
package main

import (
	"encoding/json"
	"log"
	"net/http"
	"time"
)

func at(writer http.ResponseWriter, request *http.Request) {
	place, err := time.LoadLocation(request.URL.Query().Get("place"))
	if err != nil {
		http.Error(writer, err.Error(), http.StatusNotFound)
		return
	}
	noon := time.Date(2024, time.July, 1, 12, 0, 0, 0, time.UTC).In(place)
	json.NewEncoder(writer).Encode(map[string]string{"noon": noon.Format(time.RFC3339)})
}

func main() {
	http.HandleFunc("/healthz", func(writer http.ResponseWriter, _ *http.Request) { writer.Write([]byte("ok")) })
	http.HandleFunc("/at", at)
	log.Fatal(http.ListenAndServe(":8080", nil))
}
