// Specs of packages, against one name with versions, builds and build numbers of every kind. The peer has no class for
// them: what it makes of one is seen in what it solves.
import {record} from './channel_server.mjs';

const versions = ['1.0', '1.2', '1.2.1', '1.2.3', '1.10', '2.0rc1', '2.0', '2.1'];
const builds = [['py311h1234567_0', 0], ['py312h1234567_1', 1], ['cuda126_h89abcde_0', 0], ['0', 0], ['cpu_2', 2]];

// One record of a version in three of the builds, so that version and build both decide.
export function records(name) {
    return versions.flatMap((version, i) => [0, 1, 2].map(j => {
        const [build, number] = builds[(i + 2 * j) % builds.length];
        return record({name, version, build, number, timestamp: 1000 * i + j, license: i % 2 ? 'MIT' : 'BSD-3-Clause'});
    }));
}

function versionPart(random) {
    const version = random.one([...versions, '1', '2', '1.2.0', '3.0']);
    return random.one([
        version, version + '.*', '>=' + version, '<' + version, '>' + version, '<=' + version, '!=' + version,
        '==' + version, `>=1.2,<${version}`, `${version}|1.10`, `~=${version}`, '*', `!=${version},>=1`,
        `>=${version}|<1.1`,
    ]);
}
const buildParts = ['py*', '*_0', '*_1', 'py311*', '*cuda*', '0', 'cpu_2', '*', 'py311h1234567_0', '^py.*_0$', '*h1*'];
const buildPart = random => random.one(buildParts);

export function matchSpec(random, name) {
    const version = versionPart(random);
    const bracketed = random.one([
        `version='${version}'`, `version="${version}",build=${buildPart(random)}`, `build=${buildPart(random)}`,
        `build='${buildPart(random)}'`, 'build_number=0', "build_number='>=1'", 'build_number=2', "build_number='<2'",
        'subdir=linux-64', 'subdir=noarch', 'license=MIT', `sha256=${'0'.repeat(64)}`, `md5=${'0'.repeat(32)}`,
        `md5=${'1'.repeat(32)}`,
    ]);
    return random.one([
        name, `${name} ${version}`, `${name} ${version}`, `${name}${/^[0-9*]/.test(version) ? '=' : ''}${version}`,
        `${name}=${random.one(versions)}`, `${name}=${random.one(versions)}=${buildPart(random)}`,
        `${name} ${version} ${buildPart(random)}`, `${name} ${version.replace(',', ', ')}`,
        `${name} * ${buildPart(random)}`, `${name}==${random.one(versions)}=${buildPart(random)}`,
        `${name}[${bracketed}]`, `${name}[${bracketed}]`, `${name.toUpperCase()} ${version}`, `${name}  ${version}`,
        `${name} =${random.one(versions)}`, `${name} = ${random.one(versions)}`,
    ]);
}

// A user's spec, alone.
export async function compareAsked({random, count, solves, server, virtual}) {
    const channels = [server.records('asked', records('pkg'))];
    const seen = {packages: 0, none: 0, refused: 0};
    for (let i = 0; i < count; ++i) {
        const ours = await solves.compareSpec({channels, specs: [matchSpec(random, 'pkg')], virtual});
        seen[Object.keys(ours)[0]] += 1;
    }
    console.error(`specs that are asked: ${count}; ${seen.packages} find a package, ${seen.none} none, ` +
                  `${seen.refused} are refused`);
}

// Specs in `depends`, a hundred at once: of each name's two probes the better one needs the spec. An older probe names
// the package plainly, since the peer looks for names in `depends` as far as the first space alone.
export async function compareNeeded({random, count, ours, peer, tally, server, virtual}) {
    let met = 0;
    for (let from = 0; from < count; from += 100) {
        const specs = Array.from({length: 100}, (_, i) => matchSpec(random, `p${from + i}`));
        const channel = specs.flatMap((spec, i) => [
            ...records(`p${from + i}`),
            record({name: `probe${from + i}`, version: '1', build: 'with', number: 1, depends: [spec]}),
            record({name: `probe${from + i}`, version: '1', build: 'without', number: 0}),
            record({name: `probe${from + i}`, version: '0', build: 'names', depends: [`p${from + i}`]}),
        ]);
        const channels = [server.records(`needed${from}`, channel)];
        const question = {channels, virtual, specs: specs.map((_, i) => `probe${from + i}`)};
        const answers = await Promise.all([ours.ask({...question, ask: 'solve'}), peer.solve(question)]);
        specs.forEach((spec, i) => {
            const found = answers.map(answer => {
                const one = answer.packages.find(other => other.name === `p${from + i}`);
                return one ? [`pkg ${one.version} ${one.build}`] : 'none';
            });
            if (found[0] !== 'none') met += 1;
            tally.compareFound([spec.replace(/^p[0-9]+/i, 'pkg')], found[0], found[1]);
        });
        server.forget(`needed${from}`);
    }
    console.error(`specs in depends: ${count}; ${met} find a package`);
}
