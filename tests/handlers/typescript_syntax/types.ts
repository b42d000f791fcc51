export interface Unused {
  a: number;
}
