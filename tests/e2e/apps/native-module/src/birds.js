const fs = require('fs');
const path = require('path');
const Database = require('better-sqlite3');

const file = process.env.DATABASE || path.join(__dirname, '..', 'data', 'birds.db');
fs.mkdirSync(path.dirname(file), { recursive: true });

const db = new Database(file);
db.exec('CREATE TABLE IF NOT EXISTS birds (name TEXT PRIMARY KEY, seen INTEGER NOT NULL)');

function count(name) {
  return db.prepare('SELECT seen FROM birds WHERE name = ?').pluck().get(name) ?? 0;
}

function seen(name) {
  db.prepare('INSERT INTO birds VALUES (?, 1) ON CONFLICT (name) DO UPDATE SET seen = seen + 1').run(name);
  return count(name);
}

module.exports = { count, seen };
