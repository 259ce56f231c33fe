const http = require("http");
const escape = require("escape-html");
const ms = require("ms");

const started = Date.now();

http
  .createServer((request, response) => {
    if (request.url === "/health") {
      response.end(Date.now() - started < ms("100 years") ? "up\n" : "old\n");
      return;
    }
    const faces = [...new URL(request.url, "http://dice").searchParams.keys()];
    response.end(`<p>${faces.map(escape).join(", ") || "roll the dice"}</p>\n`);
  })
  .listen(8000);
