// Our side: peer_answers, asked line by line.
import {spawn} from 'node:child_process';
import {createInterface} from 'node:readline';

export class Ours {
    #process;
    #waiting = [];
    constructor(program, cache) {
        this.#process = spawn(program, [cache], {stdio: ['pipe', 'pipe', 'inherit']});
        const lines = createInterface({input: this.#process.stdout});
        lines.on('line', line => this.#waiting.shift().resolve(JSON.parse(line)));
        this.#process.on('exit', code => {
            for (const one of this.#waiting) one.reject(new Error(`peer_answers ended with ${code}`));
            this.#waiting = [];
        });
    }

    ask(question) {
        return new Promise((resolve, reject) => {
            this.#waiting.push({resolve, reject});
            this.#process.stdin.write(JSON.stringify(question) + '\n');
        });
    }

    end() { this.#process.stdin.end(); }
}
