import { nanoid } from 'nanoid';

document.querySelector('#app').id = nanoid();
