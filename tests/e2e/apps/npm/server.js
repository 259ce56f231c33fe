const express = require("express");

const app = express();
app.get("/", (request, response) => response.json({ time: "noon" }));
app.listen(3000);
