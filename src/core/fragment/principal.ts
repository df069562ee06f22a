/** The one for whom a session acts. Without accounts everybody is the same anonymous principal. */
export interface Principal {
  readonly kind: "anonymous";
}

export const ANONYMOUS: Principal = { kind: "anonymous" };
