import { Ajv } from "ajv";
import formats from "ajv-formats";

interface AsyncApi {
  readonly channels: Readonly<Record<string, { readonly messages: Readonly<Record<string, object>> }>>;
  readonly components: {
    readonly messages: Readonly<Record<string, { readonly payload: object }>>;
    readonly schemas: object;
  };
}

/** The messages of `/asyncapi.json`, to hold frames against. */
export class DescribedMessages {
  readonly #document: AsyncApi;
  readonly #ajv = new Ajv({ strict: false, allErrors: true });

  constructor(document: AsyncApi) {
    this.#document = document;
    formats(this.#ajv);
  }

  /** The names of a channel's messages that this may be. */
  namesOf(channel: string, message: unknown): string[] {
    const { schemas, messages } = this.#document.components;
    return Object.keys(this.#document.channels[channel]?.messages ?? {}).filter((name) =>
      this.#ajv.validate({ ...messages[name]?.payload, components: { schemas } }, message),
    );
  }
}
