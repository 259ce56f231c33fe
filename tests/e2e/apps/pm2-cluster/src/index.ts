import express from "express";

const harbours: Record<string, string> = { brest: "04:12", saltash: "05:40" };
const app = express();

app.get("/health", (_request, response) => {
  response.send("tides are in");
});

app.get("/:harbour", (request, response) => {
  const tide = harbours[request.params.harbour];
  response.status(tide ? 200 : 404).send(tide ?? "no such harbour");
});

app.listen(Number(process.env.PORT ?? 3000));
