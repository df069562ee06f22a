import { test } from "vitest";
import { SimulatedWorld } from "../support/simulated-world.ts";
const short = (t: string) => [...t].map((c) => { const p = c.codePointAt(0) ?? 0; return p >= 0x20000 ? `${p - 0x20000}'` : p >= 0x3400 && p < 0x4e00 ? ` ${p - 0x3400}.` : c; }).join("");
test("probe", () => {
  const seed = Number(process.env["SEED"]);
  const world = new SimulatedWorld({ seed });
  const out: string[] = [];
  const kinds = world.clients.map(({ name, kind }) => `${name}: ${kind}`).join(", ");
  out.push(kinds);
  for (const c of world.clients) {
    let wire = c.wire; 
    const hook = () => {
      wire = c.wire;
      const ps = wire.toServer.push.bind(wire.toServer);
      wire.toServer.push = (...f: (string|Uint8Array)[]) => { for (const x of f) if (typeof x === "string") out.push(`${c.name} sends ${short(x)}`); return ps(...f); };
      const hs = wire.toClient.shift.bind(wire.toClient);
      wire.toClient.shift = () => { const x = hs(); if (typeof x === "string") out.push(`${c.name} hears ${short(x)}`); return x; };
      const pc = wire.toClient.push.bind(wire.toClient);
      wire.toClient.push = (...f: (string|Uint8Array)[]) => { for (const x of f) if (typeof x === "string") out.push(`   room->${c.name} ${short(x)}`); return pc(...f); };
      const ss = wire.toServer.shift.bind(wire.toServer);
      wire.toServer.shift = () => { const x = ss(); if (typeof x === "string") out.push(`   room<-${c.name} ${short(x)}`); return x; };
    };
    hook();
    (c as unknown as { hook: () => void }).hook = hook;
  }
  let last = "";
  const look = () => { const t = world.host.room.committed.content; if (t !== last) { out.push(`=== v${world.host.room.committed.revision} ${short(t)}   FAULTS ${world.faults().map(short).join(",")}`); last = t; } for (const c of world.clients) { const h = c as unknown as {hook: () => void; seen?: unknown}; if (h.seen !== c.wire) { h.seen = c.wire; h.hook(); } } };
  try {
  out.push = ((push) => (...x: string[]) => push(...x))(out.push.bind(out));
  outer: for (let lives = 1 + world.random.below(4); lives > 0; lives--) {
    for (let steps = 20 + world.random.below(150); steps > 0; steps--) { world.step(); look(); }
    world.kill(); out.push("KILLED"); look();
    if (world.faults().length > 0) break outer;
    if (lives === 1) { world.drain(); look(); }
  }
  } catch (e) { out.push(String(e)); }
  console.log(out.slice(-Number(process.env["TAIL"] ?? 60)).join("\n"), world.faults().map(short), world.differences().map(short));
});
