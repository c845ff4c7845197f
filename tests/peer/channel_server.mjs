// Channels on loopback: folders of repodata as they are, channels made of records, and one that gives the virtual
// packages, since the peer passes none of its own.
import {createReadStream, existsSync} from 'node:fs';
import {createServer} from 'node:http';
import {join} from 'node:path';

const emptyHash = '0'.repeat(64);

// A record as repodata has it, from {name, version, build, number, depends, constrains, …}.
export function record({name, version, build, number = 0, depends = [], constrains = [], noarch = false, ...more}) {
    return {
        name, version, build, build_number: number, depends, constrains, subdir: noarch ? 'noarch' : 'linux-64',
        ...(noarch ? {noarch: 'generic'} : {}), sha256: emptyHash, md5: emptyHash.slice(32), size: 1, timestamp: 1,
        ...more,
    };
}

// "1=x86_64" as peer_answers reads it.
export function virtualRecords(packages) {
    return Object.entries(packages).map(([name, text]) => {
        const [version, build = '0'] = text.split('=');
        return record({name, version, build, noarch: true});
    });
}

function repodata(records, subdir) {
    const packages = {};
    for (const one of records) {
        if (one.subdir === subdir) packages[`${one.name}-${one.version}-${one.build}.conda`] = one;
    }
    return JSON.stringify({info: {subdir}, packages: {}, 'packages.conda': packages, repodata_version: 1});
}

export class ChannelServer {
    #server;
    #channels = new Map();  // name -> folder, or subdir -> text

    async start() {
        this.#server = createServer((request, response) => this.#answer(request, response));
        await new Promise(resolve => this.#server.listen(0, '127.0.0.1', resolve));
    }
    stop() {
        this.#server.closeAllConnections();
        this.#server.close();
    }

    // Both give the channel's URL.
    folder(name, path) { return this.#add(name, path); }
    records(name, records) {
        return this.#add(name, {'linux-64': repodata(records, 'linux-64'), noarch: repodata(records, 'noarch')});
    }
    forget(name) { this.#channels.delete(name); }

    #add(name, channel) {
        this.#channels.set(name, channel);
        return `http://127.0.0.1:${this.#server.address().port}/${name}`;
    }

    #answer(request, response) {
        const [, name, subdir, file] = request.url.split('/');
        const channel = this.#channels.get(name);
        if (typeof channel === 'string') {
            const path = join(channel, subdir ?? '', file ?? '');
            if (file === 'repodata.json.zst' && existsSync(path)) return void createReadStream(path).pipe(response);
        } else if (file === 'repodata.json' && channel?.[subdir]) {
            return void response.end(channel[subdir]);
        }
        response.statusCode = 404;
        response.end();
    }
}
