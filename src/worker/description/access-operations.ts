import type { DescribeRouteOptions } from "hono-openapi";
import { EXAMPLES } from "./examples.ts";
import { pathId } from "./path-id.ts";
import { jsonBody } from "./request-body.ts";
import { answers, empty, OF_A_BODY, refuses } from "./responses.ts";

/** Describes the operations on keys, tokens and users, and the audit log. */

const tags = ["Access"];

const keyId = pathId("The `id` of the key.", "h3k9m2x7q4wz");
const userId = pathId("The id of the user, percent-encoded.", "anna");
const tokenId = pathId("The `id` of the token.", "k7m2p9x4q6w8z3n5b7c9d2f4");

export const accessOperations = {
  listKeys: {
    summary: "List the keys",
    description:
      "In the order in which they were made, for admins. An admin of some fragments sees the keys for these.",
    tags,
    responses: { ...answers(200, "One page of the list.", "KeyPage"), ...refuses("forbidden") },
  },
  makeKey: {
    summary: "Make a key",
    description:
      "For a program. For admins; a key has at most the rights of the one who makes it. Without `prefixes` it has those of its maker.",
    tags,
    requestBody: jsonBody("KeyCreate", {
      reader: {
        summary: "For a program that reads one folder",
        value: { name: "Nightly export", role: "viewer", prefixes: ["team/"] },
      },
    }),
    responses: {
      ...answers(201, "Made. The key itself is in this answer only.", "NewKey"),
      ...refuses(...OF_A_BODY, "forbidden", "limit_reached"),
    },
  },
  changeKey: {
    summary: "Change a key",
    description:
      "Absent fields stay. Lowered rights reach open sockets within two seconds, requests within ten.",
    tags,
    parameters: [keyId],
    requestBody: jsonBody("KeyPatch", { role: { summary: "Another role", value: { role: "viewer" } } }),
    responses: {
      ...answers(200, "Changed.", "Key"),
      ...refuses(...OF_A_BODY, "forbidden", "not_found"),
    },
  },
  revokeKey: {
    summary: "Revoke a key",
    description: "Every token that was made with it ends, too. Open sockets are closed within two seconds.",
    tags,
    parameters: [keyId],
    responses: { ...empty(204, "Revoked."), ...refuses("forbidden", "not_found") },
  },
  makeToken: {
    summary: "Make a token for a user",
    description:
      "A token is what a page or a Yjs provider shows. It has at most the rights of the key that makes it, and ends with that key, its user, or its time.",
    tags,
    requestBody: jsonBody("TokenCreate", {
      anna: {
        summary: "For one fragment, for an hour",
        value: {
          user: { id: "anna", name: "Anna", color: "#c2185b" },
          role: "editor",
          fragment: EXAMPLES.fragment.id,
          ttl_seconds: 3600,
        },
      },
    }),
    responses: {
      ...answers(201, "Made.", "Token"),
      ...refuses("invalid_id", ...OF_A_BODY, "forbidden"),
    },
  },
  endToken: {
    summary: "End a token before its time",
    tags,
    parameters: [tokenId],
    responses: { ...empty(204, "Ended."), ...refuses("forbidden", "not_found") },
  },
  listUsers: {
    summary: "List the users",
    description:
      "Those that were seen with a token or a session, or given a role. For admins of all fragments.",
    tags,
    responses: { ...answers(200, "One page of the list.", "UserPage"), ...refuses("forbidden") },
  },
  putUser: {
    summary: "Set the most that a user may do",
    description:
      "It counts for every token and session of the user. A user that was blocked may come in again, with a new token.",
    tags,
    parameters: [userId],
    requestBody: jsonBody("UserPut", { viewer: { summary: "May only read", value: { role: "viewer" } } }),
    responses: {
      ...answers(200, "Stored.", "User"),
      ...refuses("invalid_id", ...OF_A_BODY, "forbidden"),
    },
  },
  blockUser: {
    summary: "Block a user",
    description:
      "Every token and session of the user ends, for ever. Open sockets are closed within two seconds.",
    tags,
    parameters: [userId],
    responses: { ...empty(204, "Blocked."), ...refuses("invalid_id", "forbidden") },
  },
  readAuditLog: {
    summary: "Read the audit log",
    description:
      "Who did what, on which id, when, from where, with which result: keys, users, sign-ins, refusals, deletions, renames. For admins. Entries stay for 90 days. Refusals and minted tokens are there after seconds, repetitions within a minute as one entry.",
    tags,
    responses: {
      ...answers(200, "One page of the log.", "AuditPage", {
        example: {
          entries: [
            {
              time: "2026-11-28T12:00:00.000+00:00",
              action: "fragment_renamed",
              principal: "user:ann",
              via: "key:k1",
              id: EXAMPLES.fragment.id,
              detail: "to team/welcome",
              address: "192.0.2.7",
              result: "done",
              count: 1,
            },
          ],
          next_cursor: null,
        },
      }),
      ...refuses(),
    },
  },
} as const satisfies Record<string, DescribeRouteOptions>;
