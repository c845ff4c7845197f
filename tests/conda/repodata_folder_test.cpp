#include "conda/repodata_folder.hpp"

#include <fmt/format.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <thread>

#include "base/fs.hpp"
#include "conda/repodata_cache.hpp"
#include "support/tar_writer.hpp"

using namespace envbuild;
using namespace envbuild::conda;

namespace {

using Strings = std::vector<std::string>;

std::string repodata(const std::string& name) {
    return fmt::format(R"({{"packages":{{"{0}-1.0-0.conda":{{"name":"{0}","version":"1.0","build":"0"}}}}}})", name);
}

struct Fixture {
    TempDir folder{"repodata-folder"};
    fs::path source = folder.path() / "channel";
    // Everything is kept, however small and new.
    RepoDataFolderSettings settings{folder.path() / "cache", 1 << 20, 1, std::chrono::seconds(-60)};

    std::shared_ptr<const RepoData> read() const {
        return read_repodata_folder(Url::from_path(source.string()), {"https://host/ch", "linux-64", ""}, settings,
                                    CancelToken());
    }
    Strings names() const { return read()->names(); }
    Error refusal() const {
        try {
            (void)read();
        } catch (const Error& error) {
            return error;
        }
        FAIL("it was taken");
        throw std::logic_error("unreachable");
    }
    // Files of the cache that are repodata, or end otherwise.
    std::vector<fs::path> cached(const std::string& ending = ".json") const {
        std::vector<fs::path> files;
        if (!fs::exists(settings.cache_directory)) return files;
        for (const auto& entry : fs::directory_iterator(settings.cache_directory)) {
            const auto name = entry.path().filename().string();
            if (name.ends_with(ending) && !name.ends_with(".state.json")) files.push_back(entry.path());
        }
        return files;
    }
};

}  // namespace

TEST_CASE_METHOD(Fixture, "folder: a copy and its index are kept, and used as long as the file is the same") {
    write_file_atomic(source / "repodata.json", repodata("one"));
    CHECK(names() == Strings{"one"});
    const auto copies = cached();
    REQUIRE(copies.size() == 1);
    CHECK(cached(".index").size() == 1);
    CHECK(read()->records("one").size() == 1);
    CHECK(cached() == copies);
    CHECK_THAT(read()->origin().shown, Catch::EndsWith("channel/repodata.json"));

    // Replaced, of the same size; then written over.
    write_file_atomic(source / "repodata.json", repodata("two"));
    CHECK(names() == Strings{"two"});
    CHECK(cached().size() == 1);
    CHECK(cached() != copies);
    {
        AtomicFile other(folder.path() / "other");
        other.write(repodata("six"));
        other.commit();
        fs::copy_file(folder.path() / "other", source / "repodata.json", fs::copy_options::overwrite_existing);
    }
    CHECK(names() == Strings{"six"});
    fs::remove(source / "repodata.json");
    CHECK(read() == nullptr);
}

TEST_CASE_METHOD(Fixture, "folder: compressed forms are kept decompressed") {
    write_file_atomic(source / "repodata.json.bz2", testing::bzip2(repodata("b")));
    CHECK(names() == Strings{"b"});
    REQUIRE(cached().size() == 1);
    CHECK(read_file(cached().front()) == repodata("b"));
    write_file_atomic(source / "repodata.json.zst", testing::zstd(repodata("z")));
    CHECK(names() == Strings{"z"});
    CHECK(names() == Strings{"z"});
}

TEST_CASE_METHOD(Fixture, "folder: small ones and such as were just written are not kept") {
    write_file_atomic(source / "repodata.json", repodata("one"));
    settings.kept_from = 1000;
    CHECK(names() == Strings{"one"});
    settings.kept_from = 1;
    settings.settled_after = std::chrono::hours(1);
    CHECK(names() == Strings{"one"});
    CHECK(cached().empty());
}

TEST_CASE_METHOD(Fixture, "folder: what is no repodata is refused, and not kept") {
    for (const auto& [text, reason] : std::vector<std::pair<std::string, std::string>>{
             {repodata("one").substr(0, 40), "not whole"}, {" <html>", "HTML"}, {"", "is empty"}, {"{}", "packages"}}) {
        write_file_atomic(source / "repodata.json", text);
        const auto error = refusal();
        CHECK(error.kind() == ErrorKind::Corrupt);
        CHECK_THAT(error.message(), Catch::Contains("repodata.json") && Catch::Contains(reason));
    }
    settings.size_limit = 20;
    write_file_atomic(source / "repodata.json", repodata("one"));
    CHECK_THAT(refusal().message(), Catch::Contains("larger"));
    CHECK(cached("").size() == 1);  // the lock
}

TEST_CASE_METHOD(Fixture, "folder: a copy that is damaged is made again, a cache that cannot be written does without") {
    write_file_atomic(source / "repodata.json", repodata("one"));
    CHECK(names() == Strings{"one"});
    const auto copy = cached().front();
    write_file_atomic(copy, std::string(fs::file_size(copy), 'x'));
    CHECK(names() == Strings{"one"});
    write_file_atomic(cached().front(), "x");
    CHECK(names() == Strings{"one"});
    settings.cache_directory = source / "repodata.json" / "cache";
    CHECK(names() == Strings{"one"});
}

TEST_CASE_METHOD(Fixture, "folder: many at once make one copy") {
    write_file_atomic(source / "repodata.json", repodata("one"));
    std::atomic<int> good = 0;
    {
        std::vector<std::jthread> threads;
        for (int i = 0; i < 8; ++i) {
            threads.emplace_back([&] {
                if (names() == Strings{"one"}) ++good;
            });
        }
    }
    CHECK(good == 8);
    CHECK(cached().size() == 1);
}

TEST_CASE_METHOD(Fixture, "folder: whoever asks may hold the lock of the channel's subdir") {
    write_file_atomic(source / "repodata.json", repodata("one"));
    const auto lock = RepoDataCache(settings.cache_directory, Url::from_path(source.string())).lock(CancelToken());
    CHECK(names() == Strings{"one"});
    CHECK(cached().size() == 1);
}
