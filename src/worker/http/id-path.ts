/**
 * The id at the end of a path, slashes and all, under a name that the description can show. Routes take it from the raw
 * path, which is decoded once (ID-8).
 */
export const ID_PARAMETER = ":id{.*}";
