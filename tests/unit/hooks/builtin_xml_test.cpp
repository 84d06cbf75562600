#include "builtin_cases.hpp"

using namespace tidegate::hooks::builtin;

namespace {

Problems xml_of(const std::string& content) {
    return problems_of(xml, "pom.xml", content);
}

}  // namespace

TEST_CASE("builtin: XML that is right passes") {
    for (const std::string text : {
             "<a/>",
             "\xEF\xBB\xBF<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<a>\n</a>\n",
             "<?xml version='1.0' encoding='ISO-8859-1'?><a>\xE9</a>",
             "<a b='1' c = \"2\"\n d='&lt;&#65;&#x41;'><!-- x - y --><?pi x?><![CDATA[ <&> ]]>t &amp; u</a>",
             "<?xml version = \"1.0\" encoding='utf-8'\n standalone=\"yes\" ?><a/>",
             "<a><a><a/></a ></a>",
             "<!DOCTYPE html><html/>",
             "<!DOCTYPE a [<!ENTITY e \"x>\"> <!-- ]> --> <!ELEMENT a (#PCDATA)>]><a>&e;</a>",
             "<!DOCTYPE a SYSTEM \"a.dtd\"><a>&unknown;</a>",
             "<x:a xmlns:x='u'><x:b/></x:a><!-- after --> \n<?pi?>",
             "<\xC3\xA9t\xC3\xA9/>",
             "<a>]] ></a>",
         }) {
        CAPTURE(text);
        const auto problems = xml_of(text);
        CHECK_MESSAGE(problems.empty(), (problems.empty() ? "" : problems[0].what));
    }
    CHECK(problems_of(xml, "a.html", "<p>").empty());
}

TEST_CASE("builtin: XML that is wrong is placed") {
    run_cases(
        xml,
        {
            {.name = "empty", .path = "a.xml", .content = "", .line = 1, .column = 1, .what = "no element"},
            {.name = "declaration of something else",
             .path = "a.xml",
             .content = "<?xml version='1.0' ncoding='UTF-8'?><a/>",
             .line = 1,
             .column = 1,
             .what = "version, encoding and standalone"},
            {.name = "encoding that is none",
             .path = "a.xml",
             .content = "<?xml version='1.0' encoding='U]TF-8'?><a/>",
             .line = 1,
             .column = 1,
             .what = "version, encoding and standalone"},
            {.name = "no version",
             .path = "a.xml",
             .content = "<?xml encoding='UTF-8'?><a/>",
             .line = 1,
             .column = 1,
             .what = "names no version"},
            {.name = "text", .path = "a.svg", .content = "hello", .line = 1, .column = 1, .what = "outside"},
            {.name = "wrong end",
             .path = "a.xml",
             .content = "<a>\n <b>\n</a>",
             .line = 3,
             .column = 1,
             .what = "</a> closes <b> of line 2"},
            {.name = "not closed",
             .path = "a.xml",
             .content = "<a>\n <b></b>",
             .line = 1,
             .column = 1,
             .what = "not closed"},
            {.name = "lone &",
             .path = "a.xml",
             .content = "<a>\nx & y</a>",
             .line = 2,
             .column = 3,
             .what = "&amp;"},
            {.name = "unknown entity",
             .path = "a.xml",
             .content = "<a>&nbsp;</a>",
             .line = 1,
             .column = 4,
             .what = "nbsp is not declared"},
            {.name = "two elements",
             .path = "a.xml",
             .content = "<a/>\n<b/>",
             .line = 2,
             .column = 1,
             .what = "second element"},
            {.name = "attribute twice",
             .path = "a.xml",
             .content = "<a x='1' x='2'/>",
             .line = 1,
             .column = 10,
             .what = "x is there twice"},
            {.name = "not quoted",
             .path = "a.xml",
             .content = "<a x=1/>",
             .line = 1,
             .column = 6,
             .what = "quoted"},
            {.name = "bad bytes",
             .path = "a.xml",
             .content = "<a>\n\xff</a>",
             .line = 2,
             .column = 1,
             .what = "UTF-8"},
        });
    for (const std::string text : {
             "<a",
             "<a>",
             "</a>",
             "<a></b>",
             "<a/><!DOCTYPE a>",
             "<a/>text",
             " <?xml version='1.0'?><a/>",
             "<?xml?><a/>",
             "<a><?xml version='1.0'?></a>",
             "<a><!-- -- --></a>",
             "<a><!-- x</a>",
             "<a><![CDATA[ x</a>",
             "<a>]]></a>",
             "<a b/>",
             "<a b=>",
             "<a b='<'/>",
             "<a b='1'c='2'/>",
             "<1/>",
             "< a/>",
             "<a>&#0;</a>",
             "<a>&#x110000;</a>",
             "<a>&#xD800;</a>",
             "<a>&#;</a>",
             "<a>&#65</a>",
             "<a>&amp</a>",
             "<a>\x01</a>",
             "<a b='\x01'/>",
             "<!DOCTYPE a [",
             "<!DOCTYPE a><!DOCTYPE a><a/>",
             "<a b='1",
             "<a><",
             "<a>&",
             "<a>&#x",
             "<",
             "&",
             "<!",
             "<?",
             "<a/ >",
         }) {
        CAPTURE(text);
        CHECK_FALSE(xml_of(text).empty());
    }
}

TEST_CASE("builtin: a bomb of XML entities costs no more than its bytes") {
    std::string text = "<!DOCTYPE l [<!ENTITY l0 \"lol\">";
    for (int i = 1; i < 30; ++i) {
        text += "<!ENTITY l" + std::to_string(i) + " \"";
        for (int k = 0; k < 10; ++k) text += "&l" + std::to_string(i - 1) + ";";
        text += "\">";
    }
    CHECK(xml_of(text + "]><l>&l29;</l>").empty());
}

TEST_CASE("builtin: hostile XML ends soon") {
    std::string deep;
    for (int i = 0; i < 100'000; ++i) deep += "<a>";
    CHECK_FALSE(xml_of(deep).empty());
    std::string wide = "<a";
    for (int i = 0; i < 30'000; ++i) wide += " a" + std::to_string(i) + "=''";
    CHECK(xml_of(wide + "/>").empty());
    CHECK_FALSE(xml_of(wide + " a7=''/>").empty());
    CHECK_FALSE(xml_of("<a>" + std::string(500'000, '<')).empty());
    CHECK(xml_of("<a>" + std::string(500'000, 'x') + "</a>").empty());
}
