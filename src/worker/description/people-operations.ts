import type { DescribeRouteOptions } from "hono-openapi";
import { pathId } from "./path-id.ts";
import { jsonBody } from "./request-body.ts";
import { answers, empty, OF_A_BODY, refuses } from "./responses.ts";

/** Describes the operations with which people come in, and see who they are. */

const tags = ["People"];

const invitationId = pathId("The `id` of the invitation.", "h3k9m2x7q4wz");
const sessionId = pathId("The `id` of the session.", "h3k9m2x7q4wz");

export const peopleOperations = {
  getMe: {
    summary: "Who am I",
    description: "The workspace, the principal and the rights of the caller, whatever it has shown.",
    tags,
    responses: { ...answers(200, "The caller.", "Me"), ...refuses() },
  },
  listInvitations: {
    summary: "List the open invitations",
    description: "For admins. An admin of some fragments sees the invitations to these.",
    tags,
    responses: { ...answers(200, "All of them.", "InvitationList"), ...refuses() },
  },
  makeInvitation: {
    summary: "Invite a person",
    description:
      "For admins. The answer has a link that signs the person in once, in one browser. An invitation gives at most the rights of its maker, and ends with them.",
    tags,
    requestBody: jsonBody("InvitationCreate", {
      editor: { summary: "An editor", value: { user: { name: "Anna" }, role: "editor" } },
    }),
    responses: {
      ...answers(201, "Made. The link is in this answer only.", "NewInvitation"),
      ...refuses(...OF_A_BODY, "forbidden", "limit_reached"),
    },
  },
  withdrawInvitation: {
    summary: "Withdraw an invitation",
    tags,
    parameters: [invitationId],
    responses: { ...empty(204, "Withdrawn."), ...refuses("not_found") },
  },
  listSessions: {
    summary: "List browser sessions",
    description:
      "Those of the caller, if it has signed in with an invitation; with `user` those of a user, for admins of all fragments.",
    tags,
    responses: { ...answers(200, "All of them.", "BrowserSessionList"), ...refuses() },
  },
  endSessions: {
    summary: "End browser sessions",
    description:
      "All those of the caller; with `user` those of a user, for admins of all fragments. Open sockets are closed within two seconds.",
    tags,
    responses: { ...empty(204, "Ended."), ...refuses() },
  },
  endSession: {
    summary: "End a browser session",
    description: "One of the caller's own; for admins of all fragments, anybody's.",
    tags,
    parameters: [sessionId],
    responses: { ...empty(204, "Ended."), ...refuses("not_found") },
  },
} as const satisfies Record<string, DescribeRouteOptions>;
