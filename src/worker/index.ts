import { app } from "./app.ts";

export { AccessObject } from "./access/object/access-object.ts";
export { DirectoryObject } from "./access/object/directory-object.ts";
export { CatalogueObject } from "./catalogue/catalogue-object.ts";
export { Expander } from "./expander.ts";
export { FragmentObject } from "./fragment/fragment-object.ts";
export default app;
