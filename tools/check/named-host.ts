import { request as requestOverHttp } from "node:http";
import { request as requestOverTls } from "node:https";
import type { Scene } from "./scene.ts";

/** The status of a GET that names this host, which `fetch` cannot send. */
export function statusForHost(scene: Scene, host: string, path: string): Promise<number> {
  const { url } = scene.server;
  const send = url.startsWith("https:") ? requestOverTls : requestOverHttp;
  const answered = new Promise<number>((settle, fail) => {
    const request = send(`${url}${path}`, { headers: { Host: host } }, (answer) => {
      answer.resume();
      settle(answer.statusCode ?? 0);
    });
    request.once("error", fail).end();
  });
  return scene.deadline.wait(answered, () => `GET ${path} for the host ${host}`);
}
