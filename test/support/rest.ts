/** Fragments of a running server as REST shows them. */
import type { Fragment } from "../../src/protocol/fragment.ts";

/** Creates or replaces. */
export async function putFragment(serverUrl: string, id: string, content: string): Promise<Fragment> {
  return request(serverUrl, id, "PUT", { content });
}

export async function readFragment(serverUrl: string, id: string): Promise<Fragment> {
  return request(serverUrl, id, "GET");
}

export async function deleteFragment(serverUrl: string, id: string): Promise<void> {
  const response = await fetch(`${serverUrl}/v1/fragments/${id}`, { method: "DELETE" });
  if (response.status !== 204) throw new Error(`DELETE ${id}: ${response.status} ${await response.text()}`);
}

export async function renameFragment(serverUrl: string, from: string, to: string): Promise<void> {
  const body = JSON.stringify({ from, to });
  const headers = { "content-type": "application/json" };
  const response = await fetch(`${serverUrl}/v1/renames`, { method: "POST", headers, body });
  if (!response.ok) throw new Error(`rename ${from}: ${response.status} ${await response.text()}`);
}

async function request(serverUrl: string, id: string, method: string, body?: object): Promise<Fragment> {
  const sent =
    body === undefined ? {} : { headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
  const response = await fetch(`${serverUrl}/v1/fragments/${id}`, { method, ...sent });
  if (!response.ok) throw new Error(`${method} ${id}: ${response.status} ${await response.text()}`);
  return (await response.json()) as Fragment; // the server's own word
}
