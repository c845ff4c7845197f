#include "lock/lock.hpp"

#include <functional>
#include <set>

#include "lock/lock_support.hpp"

using namespace envbuild;
using namespace envbuild::lock;
using namespace envbuild::lock::test;

TEST_CASE("a lock hash is 64 hex digits and nothing else") {
    const auto hash = full_lock().hash();
    CHECK(hash.hex().size() == 64);
    CHECK(*LockHash::parse(hash.hex()) == hash);
    CHECK_FALSE(LockHash::parse("sha256:" + hash.hex()));
    CHECK_FALSE(LockHash::parse(hash.hex().substr(1)));
}

TEST_CASE("whatever decides a byte of the image decides the lock hash") {
    using Change = std::function<void(Lock&)>;
    const std::map<std::string, Change> changes = {
        {"platform", [](Lock& l) { l.platform = *conda::Platform::parse("linux-aarch64"); }},
        {"prefix", [](Lock& l) { l.prefix = "/opt/other"; }},
        {"a package's bytes", [](Lock& l) { l.conda[0].sha256 = sha256("other"); }},
        {"a package's url", [](Lock& l) { l.conda[0].url = *Url::parse("https://other.test/linux-64/a-1-0.conda"); }},
        {"a package less", [](Lock& l) { l.conda.pop_back(); }},
        {"the link order", [](Lock& l) { std::swap(l.conda[0], l.conda[2]); }},
        {"the place of site-packages", [](Lock& l) { l.conda[1].python_site_packages_path = "lib/other"; }},
        {"the requested specs", [](Lock& l) { l.requested.pop_back(); }},
        {"a wheel's bytes", [](Lock& l) { l.pip[0].sha256 = sha256("other"); }},
        {"a direct url", [](Lock& l) { l.pip[0].url += "x"; }},
        {"requested by pip", [](Lock& l) { l.pip[2].requested = false; }},
        {"the pip lines", [](Lock& l) { l.pip_requested.pop_back(); }},
        {"the base's digest", [](Lock& l) { l.base.digest = sha256("other"); }},
        {"the base's name", [](Lock& l) { l.base.name = "docker.io/library/other:1"; }},
        {"gpu", [](Lock& l) { l.gpu = false; }},
        {"a variable", [](Lock& l) { l.variables["EMPTY"] = "1"; }},
        {"a variable more", [](Lock& l) { l.variables["NEW"] = ""; }},
        {"a virtual package", [](Lock& l) { l.virtual_packages["__cuda"] = "12.5"; }},
        {"the templates", [](Lock& l) { l.template_digest = ""; }},
        {"the steps", [](Lock& l) { l.extra_steps.clear(); }},
        {"the epoch", [](Lock& l) { ++l.source_date_epoch; }},
    };
    std::set<std::string> seen = {full_lock().hash().hex()};
    for (const auto& [what, change] : changes) {
        CAPTURE(what);
        auto lock = full_lock();
        change(lock);
        CHECK(seen.insert(lock.hash().hex()).second);
    }
}

TEST_CASE("what decides no byte of the image is not in the lock hash") {
    auto lock = full_lock();
    const auto before = lock.hash();
    lock.spec_hash = sha256("another intent").hex();
    lock.base.glibc = "2.36";
    lock.conda[1].depends.push_back("corrected >=1");  // conda-meta is written from the archive
    lock.conda[1].timestamp = 5;
    lock.pip[2].url = "https://mirror.test/simple/torch.whl";
    lock.pip[2].requires_dist.clear();
    CHECK(lock.hash() == before);
}

TEST_CASE("the lock hash stays what it is from version to version") {
    CHECK(full_lock().hash().hex() == "d8cf5c735f902658c565725760739a780f74eaf2be8be04fda23d1ed5432742c");
}

TEST_CASE("local sources keep their place when a lock moves to another folder") {
    Lock lock;
    lock.source_directory = "/home/ada/project";
    for (const auto* url : {"./pkg", ".", "../shared/pkg", "/srv/pkg", "git+https://host.test/repo@main"}) {
        PipPackage package;
        package.url = url;
        lock.pip.push_back(package);
    }
    const auto moved = [&](const std::string& directory) {
        lock.move_sources(directory);
        std::vector<std::string> urls;
        for (const auto& package : lock.pip) urls.push_back(package.url);
        return urls;
    };
    using Urls = std::vector<std::string>;
    CHECK(moved("/home/ada/project/locks") ==
          Urls{"../pkg", "..", "../../shared/pkg", "/srv/pkg", "git+https://host.test/repo@main"});
    CHECK(lock.source_directory == "/home/ada/project/locks");
    CHECK(moved("/home/ada/project") ==
          Urls{"./pkg", ".", "../shared/pkg", "/srv/pkg", "git+https://host.test/repo@main"});
    CHECK(moved("/home") == Urls{"./ada/project/pkg", "./ada/project", "./ada/shared/pkg", "/srv/pkg",
                                 "git+https://host.test/repo@main"});
}

TEST_CASE("the file of a package in a build is called after its URL, that of a tree after the package") {
    PipPackage package;
    package.name = "some-thing";
    package.version = "1.2";
    const auto named = [&](const std::string& url) {
        package.url = url;
        return package.expected_file_name();
    };
    CHECK(named("https://host.test/files/x-1.0.tar.gz") == "x-1.0.tar.gz");
    CHECK(named("git+https://host.test/repo.git@main") == "some_thing-1.2.tar");
    CHECK(named("./pkg") == "some_thing-1.2.tar");
    CHECK(named("../wheels/x-1.0-py3-none-any.whl") == "x-1.0-py3-none-any.whl");
}
