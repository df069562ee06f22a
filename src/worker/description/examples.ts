/** The fragments of the examples in both descriptions. */
export const EXAMPLES = {
  fragment: { id: "team/greeting", content: "Hello, [[team/name]]!", tags: ["greeting"] },
  included: { id: "team/name", content: "world" },
  /** The example creates this one. */
  created: { id: "team/farewell", content: "Goodbye, [[team/name]]!", description: "How we part" },
} as const;
