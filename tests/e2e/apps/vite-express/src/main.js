import { label } from './label.js';

async function show() {
  const list = document.querySelector('#beds');
  const beds = await (await fetch('/api/beds')).json();
  for (const bed of beds) {
    const item = document.createElement('li');
    item.textContent = label(bed);
    list.append(item);
  }
}

show();
