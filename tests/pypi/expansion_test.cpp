#include "pypi/expansion.hpp"

#include <catch2/catch.hpp>

#include "base/url.hpp"

using namespace envbuild;
using namespace envbuild::pypi;

TEST_CASE("expansion: a password with '/', '#', '?' or '@' stays inside the user information") {
    for (const std::string password : {"hunter2/rest", "123/rest", "a#b", "a?b", "p@ss", "it's \"x\"", "100%", "a:b"}) {
        INFO(password);
        const ProcessEnv env({{"U", "me@corp"}, {"P", password}});
        const auto expanded = expand_variables("https://${U}:${P}@host/simple/${U}", env);
        const auto url = value_or_throw(Url::parse(expanded.text.substr(0, expanded.text.rfind('/'))));
        REQUIRE(url.user_info());
        CHECK(url.user_info()->user == "me@corp");
        CHECK(url.user_info()->password.reveal() == password);
        CHECK(url.to_string() == "https://host/simple");
        CHECK(expanded.text.ends_with("/me@corp"));  // a path is as written
    }
}

TEST_CASE("expansion: what is encoded already stays, and one variable may hold name and password") {
    const ProcessEnv env({{"P", "a%2Fb"}, {"BOTH", "bob:s/x"}});
    CHECK(expand_variables("https://u:${P}@h", env).text == "https://u:a%2Fb@h");
    CHECK(expand_variables("https://${BOTH}@h", env).text == "https://bob:s%2Fx@h");
    CHECK(expand_variables("x==${P}", env).text == "x==a%2Fb");
}
