#include "pypi/html_page.hpp"

#include <catch2/catch.hpp>

using envbuild::pypi::read_html;

TEST_CASE("anchors are read as browsers read them") {
    const auto page = read_html(R"(<!DOCTYPE html><HTML><head><title>Links for &lt;x&gt;</title>
<meta name="pypi:repository-version" content="1.0"><BASE HREF="../files/"></head><body>
<!-- <a href="no">no</a> --><a href="a.whl" data-requires-python="&gt;=3.6, &#60;4">a<b>.</b>whl</a><br/>
<A Href='b.whl' data-yanked>b</A><a href=c.whl class = x >c
<a href="d.whl?x=1&amp;y=2&z">d</a>
</body></html>)");
    CHECK(page.title == "Links for <x>");
    CHECK(page.base == "../files/");
    CHECK(page.repository_version == "1.0");
    CHECK_FALSE(page.interactive);
    REQUIRE(page.anchors.size() == 4);
    CHECK(page.anchors[0].attribute("href") == "a.whl");
    CHECK(page.anchors[0].attribute("data-requires-python") == ">=3.6, <4");
    CHECK(page.anchors[0].text == "a.whl");
    CHECK(page.anchors[1].attribute("data-yanked") == "");
    CHECK(page.anchors[1].attribute("data-core-metadata") == std::nullopt);
    CHECK(page.anchors[2].attribute("href") == "c.whl");
    CHECK(page.anchors[2].attribute("class") == "x");
    CHECK(page.anchors[3].attribute("href") == "d.whl?x=1&y=2&z");
}

TEST_CASE("scripts and styles hold no anchors") {
    const auto page = read_html("<script>var a = '<a href=\"x\">';</script><style><a href=y></STYLE><a href=z>z</a>");
    REQUIRE(page.anchors.size() == 1);
    CHECK(page.anchors[0].attribute("href") == "z");
    CHECK(page.interactive);
}

TEST_CASE("the first of repeated attributes counts") {
    const auto page = read_html("<a href=one href=two>");
    REQUIRE(page.anchors.size() == 1);
    CHECK(page.anchors[0].attribute("href") == "one");
}

TEST_CASE("entities become text, and what is none stays") {
    const auto text = [](const std::string& html) { return read_html("<a>" + html + "</a>").anchors.at(0).text; };
    CHECK(text("&lt;&gt;&amp;&quot;&apos;") == "<>&\"'");
    CHECK(text("&#x41;&#66;&#x20AC;&#128512;") == "AB€\xF0\x9F\x98\x80");
    CHECK(text("&#0;&#xD800;&#99999999;") == "\uFFFD\uFFFD\uFFFD");
    CHECK(text("&nope; & &; &#; &#x; &amp") == "&nope; & &; &#; &#x; &amp");
    CHECK(text("1 < 2") == "1 < 2");
}

TEST_CASE("a text that breaks off anywhere is read to its end") {
    const std::string whole =
        "<!-- c --><title>t</title><base href='b'><script>s</script><a href=\"x&amp;y\" data-yanked='r'>text</a>";
    for (std::size_t n = 0; n <= whole.size(); ++n) {
        INFO(n);
        CHECK(read_html(whole.substr(0, n)).anchors.size() == (n < whole.find("data-yanked='r'>") + 16 ? 0 : 1));
    }
    CHECK(read_html(std::string(200'000, '<')).anchors.empty());
    CHECK(read_html("<a " + std::string(200'000, 'x') + "=").anchors.empty());
    std::string many = "<a";
    for (int i = 0; i < 10'000; ++i) many += " k" + std::to_string(i) + "=v";
    CHECK(read_html(many + ">").anchors.at(0).attributes.size() == 64);
}
