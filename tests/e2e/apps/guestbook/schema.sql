CREATE TABLE entries (id INTEGER PRIMARY KEY, name TEXT NOT NULL, says TEXT NOT NULL);
INSERT INTO entries (name, says) VALUES ('Ada', 'What a fine place.');
