// Numbers from a seed: the same on every machine, so that a difference can be found again.
export class Random {
    #state;
    constructor(seed) { this.#state = seed >>> 0; }

    // A whole number from 0 to limit - 1 (mulberry32).
    below(limit) {
        this.#state = (this.#state + 0x6d2b79f5) >>> 0;
        let mixed = this.#state;
        mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
        mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
        return Math.floor(((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296 * limit);
    }

    one(list) { return list[this.below(list.length)]; }
    happens(outOfHundred) { return this.below(100) < outOfHundred; }
    times(count, make) { return Array.from({length: count}, () => make()); }
}
