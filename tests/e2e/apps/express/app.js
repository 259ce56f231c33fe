const path = require("path");

const compression = require("compression");
const express = require("express");
const morgan = require("morgan");

const buses = require("./routes/buses");

const app = express();
app.use(morgan("tiny"));
app.use(compression());
app.use("/buses", buses);
app.use(express.static(path.join(__dirname, "public")));
app.get("/health", (request, response) => response.json({ ok: true, environment: process.env.NODE_ENV }));

const port = Number(process.env.PORT || 8080);
app.listen(port, () => console.log(`timetable on port ${port}`));
