export enum Shape {
  Triangle,
  Square,
}
