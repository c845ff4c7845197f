// Versions and specs of versions, drawn so that most of them are near each other: 1.2, 1.2.0, 1.2rc1, 1.2.post1 …
const numbers = ['0', '1', '2', '3', '9', '10', '11', '12', '01', '20240101', '2024', '100'];
const words = ['a', 'b', 'rc', 'alpha', 'beta', 'dev', 'post', 'g', 'pre', 'r', 'p'];

function part(random) {
    const number = random.one(numbers);
    if (random.happens(80)) return number;
    const word = random.one(words);
    return random.one([word, word + number, number + word, number + word + random.one(numbers)]);
}

export function version(random) {
    const parts = random.times(1 + random.below(4), () => part(random));
    let text = random.one(numbers) + parts.map(one => random.one(['.', '.', '.', '.', '.', '_', '-']) + one).join('');
    if (random.happens(15)) text += random.one(['a1', 'rc1', '.dev0', '.post1', 'post1', 'dev', '_1', 'b2', '-1']);
    if (random.happens(6)) text += '+' + random.one(['1', '1.2', 'local', 'cu118', '1a']);
    if (random.happens(6)) text = random.one(['0', '1', '2']) + '!' + text;
    if (random.happens(3)) text = text.toUpperCase();
    return text;
}

// A version near another one: one step up or down, a zero more, a pre-release, a post-release.
export function near(random, text) {
    const parts = text.split('.');
    const last = parts.pop();
    const number = Number.parseInt(last, 10);
    switch (random.below(9)) {
        case 0: return text;
        case 1: return text + '.0';
        case 2: return text + random.one(['a0', 'rc1', 'b1', 'dev0', '.dev1', 'post1', '.post1', '+local', '.1']);
        case 3: return parts.length > 0 ? parts.join('.') : text;
        case 4: return [...parts, Number.isNaN(number) ? '1' : String(number + 1)].join('.');
        case 5: return [...parts, Number.isNaN(number) || number === 0 ? '0' : String(number - 1)].join('.');
        case 6: return [...parts, last.replace(/^0+(?=.)/, ''), '2'].join('.');
        case 7: return '1!' + text.replace(/^[0-9]+!/, '');
        default: return [...parts, '0' + last].join('.');
    }
}

function clause(random, text) {
    switch (random.below(12)) {
        case 0: return text;
        case 1: return '==' + text;
        case 2: return '!=' + text;
        case 3: return '=' + text;
        case 4: return text + '.*';
        case 5: return text + '*';
        case 6: return '~=' + text;
        case 7: return '!=' + text + '.*';
        case 8: return random.one(['>', '<', '>=', '<=']) + text + '.*';
        case 9: return '=' + text + '.*';
        default: return random.one(['>=', '<', '>', '<=']) + text;
    }
}

// A spec that has something to do with the version.
export function spec(random, about) {
    const one = () => {
        const of = random.happens(70) ? near(random, about) : random.happens(70) ? about : version(random);
        return clause(random, of);
    };
    switch (random.below(8)) {
        case 0: return one() + '|' + one();
        case 1: return one() + ',' + one() + '|' + one();
        case 2: return '(' + one() + '|' + one() + '),' + one();
        case 3: case 4: return one() + ',' + one();
        default: return one();
    }
}
