import { ferries } from '@/lib/ferries';

export default function Home() {
  return (
    <main>
      <h1>Ferries today</h1>
      <ul>
        {ferries.map((ferry) => (
          <li key={ferry.to}>
            {ferry.leaves} {ferry.to}
          </li>
        ))}
      </ul>
    </main>
  );
}
