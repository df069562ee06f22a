/** The check of a session's new token, which happens outside of the room's turn. */
import { expect, test } from "vitest";
import type { RenewalRequest } from "../../src/core/room/effects.ts";
import type { Access } from "../../src/protocol/access.ts";
import { done, type Result } from "../../src/protocol/errors.ts";
import { renewAccess } from "../../src/worker/fragment/token-renewal.ts";
import { userAccess } from "../support/open-access.ts";
import { RoomScene } from "../support/room-scene.ts";

const ANN = userAccess("ann");

/** A session that brings tokens, and whoever checks them. */
class Renewing {
  readonly room = new RoomScene();
  readonly ann = this.room.json("ann", { access: ANN });
  readonly checks: { readonly token: string; readonly answer: PromiseWithResolvers<Result<Access>> }[] = [];
  readonly reports: string[] = [];

  bring(token: string): Promise<void> {
    const { host } = this.room;
    this.ann.send({ action: "authenticate", token, request_id: token });
    const request = host.effects.pop() as RenewalRequest; // a JSON session's `authenticate` makes one
    const ports = {
      room: host.room,
      turn: (event: (nowMs: number) => void) => host.turn(event),
      report: (problem: string) => this.reports.push(problem),
      check: (checked: string) => {
        const answer = Promise.withResolvers<Result<Access>>();
        this.checks.push({ token: checked, answer });
        return answer.promise;
      },
    };
    return renewAccess(ports, request);
  }
}

test("[SESSION-6] a token is refused, when an earlier one of the session is still being checked", async () => {
  const renewing = new Renewing();
  const first = renewing.bring("first");
  await renewing.bring("second");
  expect(renewing.ann.told()).toMatchObject([{ action: "error", code: "unavailable", request_id: "second" }]);
  expect(renewing.checks.map(({ token }) => token)).toEqual(["first"]);
  renewing.checks[0]?.answer.resolve(done(ANN));
  await first;
  expect(renewing.ann.told()).toMatchObject([{ action: "access", request_id: "first" }]);
  void renewing.bring("third");
  expect(renewing.checks.map(({ token }) => token)).toEqual(["first", "third"]);
});

test("[SESSION-6] a token is refused and can be sent again, when it cannot be checked", async () => {
  const renewing = new Renewing();
  const first = renewing.bring("first");
  renewing.checks[0]?.answer.reject(new Error("no answer"));
  await first;
  expect(renewing.ann.told()).toMatchObject([{ action: "error", code: "unavailable", request_id: "first" }]);
  expect(renewing.reports).toEqual(["a token could not be checked"]);
  const again = renewing.bring("again");
  renewing.checks[1]?.answer.resolve(done(ANN));
  await again;
  expect(renewing.ann.told()).toMatchObject([{ action: "access", request_id: "again" }]);
});
