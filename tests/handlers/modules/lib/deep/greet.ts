import { twice } from "../math.ts";

export const LANGUAGE = "en";
export default (name: string) => `hello ${name} ${twice(1)}`;
