import { app } from "./app.ts";

export { Expander } from "./expander.ts";
export { CatalogueObject } from "./objects/catalogue-object.ts";
export { FragmentObject } from "./objects/fragment-object.ts";
export default app;
