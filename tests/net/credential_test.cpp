#include "net/credential.hpp"

#include <catch2/catch.hpp>

#include "base/fs.hpp"
#include "net/http_client.hpp"
#include "net/netrc.hpp"
#include "support/fault_server.hpp"

using namespace envbuild;
using namespace envbuild::testing;

namespace {

Url url(std::string_view text) {
    return value_or_throw(Url::parse(text));
}

std::string user_for(const CredentialStore& store, std::string_view address) {
    const auto found = store.find(url(address));
    return found && found->basic ? found->basic->user : "";
}

ProcessEnv environment(const std::string& netrc) {
    std::map<std::string, std::string, std::less<>> variables;
    variables["NETRC"] = netrc;
    return ProcessEnv(variables);
}

}  // namespace

TEST_CASE("A credential goes with its origin and the paths under its prefix") {
    CredentialStore store;
    CHECK(store.add_from_url(url("https://me:secret@host/channel")));
    CHECK_FALSE(store.add_from_url(url("https://host/other")));
    CHECK(user_for(store, "https://host/channel/noarch/repodata.json") == "me");
    CHECK(user_for(store, "https://host:443/channel") == "me");
    CHECK(user_for(store, "https://host/channels/x").empty());
    CHECK(user_for(store, "https://host/").empty());
    CHECK(user_for(store, "http://host/channel/x").empty());
    CHECK(user_for(store, "https://host:8443/channel/x").empty());
    CHECK(user_for(store, "https://host.evil/channel/x").empty());
    CHECK(store.find(url("https://host/channel/x"))->basic->password.reveal() == "secret");
}

TEST_CASE("The longest prefix wins, the later entry among equals, and copies share") {
    const CredentialStore store;
    const CredentialStore copy = store;
    store.add_basic(url("https://host/"), {"root", Secret("1")});
    store.add_basic(url("https://host/a/b"), {"deep", Secret("2")});
    store.add_basic(url("https://host/a"), {"old", Secret("3")});
    copy.add_basic(url("https://host/a"), {"new", Secret("4")});
    CHECK(user_for(store, "https://host/x") == "root");
    CHECK(user_for(store, "https://host/a/x") == "new");
    CHECK(user_for(store, "https://host/a/b/c") == "deep");
}

TEST_CASE("netrc in all its forms") {
    const auto entries = net::parse_netrc(R"(# a comment with machine in it
machine one.example login a password b
machine Two.Example
    login "c d"
    password "e\"f"
macdef init
machine not.an.entry login x password y

machine three.example login g account h password i
default login anyone password all)");
    REQUIRE(entries.size() == 3);
    CHECK(entries[0].machine == "one.example");
    CHECK(entries[0].user.user == "a");
    CHECK(entries[0].user.password.reveal() == "b");
    CHECK(entries[1].machine == "two.example");
    CHECK(entries[1].user.user == "c d");
    CHECK(entries[1].user.password.reveal() == "e\"f");
    CHECK(entries[2].user.password.reveal() == "i");
    CHECK(net::parse_netrc("machine").empty());
    CHECK(net::parse_netrc("").empty());
}

TEST_CASE("netrc entries go over https or to loopback only") {
    const TempDir folder("envbuild-net");
    write_file_atomic(folder.path() / "n", "machine host login a password b\nmachine 127.0.0.1 login c password d");
    const auto store = CredentialStore::from_env(environment((folder.path() / "n").string()));
    CHECK(user_for(store, "https://host/x") == "a");
    CHECK(user_for(store, "http://host/x").empty());
    CHECK(user_for(store, "http://127.0.0.1:8080/x") == "c");
    CHECK_FALSE(CredentialStore::from_env(environment("/absent/file")).find(url("https://host/x")));
}

TEST_CASE("netrc entries do not go in clear to a host that is named like this machine's address") {
    const TempDir folder("net-test");
    write_file_atomic(folder.path() / "n", "machine 127.evil.test login a password b");
    const auto store = CredentialStore::from_env(ProcessEnv({{"NETRC", (folder.path() / "n").string()}}));
    CHECK(user_for(store, "http://127.evil.test/x").empty());
    CHECK(user_for(store, "https://127.evil.test/x") == "a");
}

TEST_CASE("The client sends what the store has, and the request's own word counts first") {
    FaultServer server(fault::respond(200));
    const CredentialStore store;
    store.add_basic(url(server.url("/basic")), {"me", Secret("secret")});
    store.add_bearer(url(server.url("/bearer")), Secret("tok"));
    HttpClient client({}, {}, store);
    for (const auto* path : {"/basic/x", "/bearer/x", "/none"}) (void)client.get(url(server.url(path)));
    HttpRequest own;
    own.url = url(server.url("/basic/x"));
    own.bearer = Secret("mine");
    (void)client.send(own);
    const auto asked = server.requests();
    CHECK(asked.at(0).header("authorization") == "Basic bWU6c2VjcmV0");
    CHECK(asked.at(1).header("authorization") == "Bearer tok");
    CHECK(asked.at(2).header("authorization").empty());
    CHECK(asked.at(3).header("authorization") == "Bearer mine");
}

TEST_CASE("A conda token is in the path on the wire and nowhere else") {
    FaultServer server([](const FaultRequest& asked, FaultConnection& connection) {
        if (asked.target.ends_with("/moved?x"))
            fault::redirect(302, "new")(asked, connection);
        else if (asked.target.ends_with("/gone"))
            fault::respond(404, "no /t/tk-123/private here")(asked, connection);
        else
            fault::respond(200)(asked, connection);
    });
    const CredentialStore store;
    store.add_conda_token(url(server.url("/private")), Secret("tk-123"));
    store.add_conda_token(url(server.url("/artifactory/api/conda/repo")), Secret("tk-9"), "/artifactory/api/conda");
    HttpClient client({}, {}, store);
    const auto response = client.get(url(server.url("/private/moved?x")));
    CHECK(response.final_url.to_string() == server.url("/private/new"));
    (void)client.get(url(server.url("/public/x")));
    (void)client.get(url(server.url("/artifactory/api/conda/repo/noarch/x")));
    try {
        (void)client.get(url(server.url("/private/gone")));
        FAIL("no error");
    } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::NotFound);
        CHECK_THAT(error.to_string(), !Catch::Contains("tk-123"));
        CHECK_THAT(error.to_string(), Catch::Contains("/private/gone"));
    }
    const auto asked = server.requests();
    CHECK(asked.at(0).target == "/t/tk-123/private/moved?x");
    CHECK(asked.at(1).target == "/t/tk-123/private/new");
    CHECK(asked.at(2).target == "/public/x");
    CHECK(asked.at(3).target == "/artifactory/api/conda/t/tk-9/repo/noarch/x");
}
