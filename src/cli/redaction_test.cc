#include "cli/redaction.h"

#include <gmock/gmock.h>

namespace dbb::cli {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(Redaction, PasswordsGoWhereverTheyStand) {
  const Redaction redaction;
  for (const char* text : {
           "host=db1 password=hunter22 user=x",
           "host=db1 password='hunter22 \\' x' user=x",
           "host=db1 password = hunter22",
           "postgresql://alice:hunter22@db1/app?sslmode=require",
           "postgres://db1/app?user=alice&password=hunter22&x=y",
           "ALTER ROLE alice PASSWORD 'hunter22'",
           "CREATE ROLE alice ENCRYPTED PASSWORD 'it''s hunter22' LOGIN",
           "CREATE USER MAPPING FOR a SERVER s OPTIONS (password 'hunter22', \"user\" 'b')",
           "CREATE SUBSCRIPTION s CONNECTION 'host=h password=hunter22' PUBLICATION p",
           R"({"password": "hunter22"})",
           R"({"statement": "... PASSWORD \"hunter22\" ..."})",
           R"("text": "{\"password\": \"hunter22\"}")",
           "DBBACKUP_PASSPHRASE=hunter22",
           "PGPASSWORD=hunter22",
           "SslPassword=hunter22",
           "SCRAM-SHA-256$4096:hunter22$x:y",
       }) {
    EXPECT_THAT(redaction.clean(text), Not(HasSubstr("hunter22"))) << text;
    EXPECT_THAT(redaction.clean(text), HasSubstr("***")) << text;
  }
}

TEST(Redaction, HashesOfPasswordsGo) {
  EXPECT_EQ(Redaction().clean("as md50123456789abcdef0123456789ABCDEF;"), "as ***;");
  EXPECT_EQ(Redaction().clean("md5 of md50123"), "md5 of md50123");
}

TEST(Redaction, WhatIsKnownByValueGoesEverywhere) {
  Redaction redaction;
  redaction.add_secret("open sesame\n");
  redaction.add_secret("open sesame again");
  redaction.add_secret("abc");  // would be everywhere
  EXPECT_EQ(redaction.clean("he said: open sesame again, open sesame; abc"), "he said: ***, ***; abc");
}

TEST(Redaction, TheRestStays) {
  const Redaction redaction;
  for (const char* text : {
           "password authentication failed for user \"alice\"",
           "FATAL:  password authentication failed",
           "see docs/errors/auth-failed.md; https://docs.example.org/a:b",
           "postgresql://alice@db1:5432/app",
           "a passwordless login",
           "secretary = 5",
       }) {
    EXPECT_EQ(redaction.clean(text), text);
  }
}

TEST(Redaction, EndsOfTextEndValues) {
  for (const char* text : {"password", "password=", "password='", "password='x", "://", "://a:", "password\\",
                           "md5", "\"password\":", "password=\\"}) {
    EXPECT_THAT(Redaction().clean(text), Not(HasSubstr("x"))) << text;
  }
}

}  // namespace
}  // namespace dbb::cli
