const { Router } = require("express");

const departures = { 12: ["07:05", "07:35"], 31: ["06:50"] };
const router = Router();

router.get("/:line", (request, response) => {
  const times = departures[request.params.line];
  return times ? response.json(times) : response.status(404).json({ error: "no such line" });
});

module.exports = router;
