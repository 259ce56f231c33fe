// Package guests knows the rooms of the inn.
package guests

import (
	"encoding/json"
	"os"
)

// Room is a room and what it costs.
type Room struct {
	Name   string `json:"name"`
	Beds   int    `json:"beds"`
	Guests []string
}

// Load reads the rooms from a file.
func Load(path string) ([]*Room, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var rooms []*Room
	return rooms, json.Unmarshal(text, &rooms)
}
