import type { GetServerSideProps } from 'next';
import { all, type Note } from '../lib/notes';

export default function Home({ notes }: { notes: Note[] }) {
  return (
    <main>
      <h1>Harbour notes</h1>
      {notes.length === 0 ? <p>Nothing to note.</p> : notes.map((note) => <p key={note.id}>{note.text}</p>)}
    </main>
  );
}

export const getServerSideProps: GetServerSideProps = async () => ({ props: { notes: all() } });
