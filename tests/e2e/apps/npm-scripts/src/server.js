const express = require("express");

const notes = require("./notes");

const app = express();
app.use(express.text());

app.get("/healthz", (request, response) => response.send("ok"));

app.get("/notes", (request, response) => response.json(notes.all()));

app.post("/notes", (request, response) => {
  notes.pin(request.body);
  response.status(201).json(notes.all());
});

app.listen(3000, () => console.log("the notice board hangs on port 3000"));
