import { describeRoute } from "hono-openapi";
import { type OperationId, operations } from "./operations.ts";

/** Says of a route which operation it is. It passes requests and answers on as they are. */
export function describe(operationId: OperationId) {
  return describeRoute({ operationId, ...operations[operationId] });
}
