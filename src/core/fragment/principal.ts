/** Who is there. Without accounts everybody is the same anonymous principal. */
export interface Principal {
  readonly kind: "anonymous";
}

export const ANONYMOUS: Principal = { kind: "anonymous" };
