import fastify from "fastify";

import { postage } from "./postage";

const server = fastify();

server.get("/", async () => ({ letter: postage({ grams: 20, abroad: false }), abroad: postage({ grams: 400, abroad: true }) }));

server.get<{ Params: { grams: string } }>("/postage/:grams", async (request, reply) => {
  const cents = postage({ grams: Number(request.params.grams), abroad: false });
  return cents ?? reply.code(422).send({ error: "too heavy" });
});

server.listen({ host: "0.0.0.0", port: 4000 }).then((address) => console.log(`postage at ${address}`));
