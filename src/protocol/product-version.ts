/** The version of this software, as package.json has it. `/v1` in addresses is that of the protocol. */
export const PRODUCT_VERSION = "0.3.0";
