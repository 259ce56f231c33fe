export const revalidate = 5;

export default function Page() {
  return <h1>Hats, gloves and umbrellas</h1>;
}
