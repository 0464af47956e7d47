#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "postgres/catalog.h"

namespace dbb::postgres {
namespace {

constexpr size_t kSequencesAtOnce = 200;

struct Sequence {
  std::string schema;
  std::string name;
};

void read_values(Connection& connection, std::span<const Sequence> sequences,
                 std::vector<SequenceValue>& into) {
  std::string sql;
  for (size_t place = 0; place < sequences.size(); ++place)
    sql += fmt::format("{}SELECT {}, last_value, is_called FROM {}", place == 0 ? "" : " UNION ALL ", place,
                       connection.qualified(sequences[place].schema, sequences[place].name));
  const Result answer = connection.execute(sql);
  for (int row = 0; row < answer.rows(); ++row) {
    const Sequence& sequence = sequences[static_cast<size_t>(answer.integer(row, 0))];
    into.push_back({.schema = sequence.schema,
                    .name = sequence.name,
                    .last_value = answer.integer(row, 1),
                    .is_called = answer.boolean(row, 2)});
  }
}

}  // namespace

SequenceValues read_sequences(Connection& connection, const RelationFilter& wanted) {
  const Result answer = connection.execute(R"(
    SELECT n.nspname, c.relname,
           coalesce(pg_catalog.has_schema_privilege(n.oid, 'USAGE')
                    AND pg_catalog.has_sequence_privilege(c.oid, 'SELECT'), false)
             AND NOT (c.relpersistence = 'u' AND pg_catalog.pg_is_in_recovery()), c.oid,
           c.oid::pg_catalog.regclass::text <> pg_catalog.format('%I.%I', n.nspname, c.relname)
      FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relkind = 'S' AND c.relpersistence IN ('p', 'u')
       AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
       AND (NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
                         WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = c.oid
                           AND d.objsubid = 0 AND d.deptype = 'e')
            OR EXISTS (SELECT FROM pg_catalog.pg_extension e WHERE c.oid = ANY (e.extconfig)))
     ORDER BY 1, 2)");
  SequenceValues out;
  std::vector<Sequence> readable;
  for (int row = 0; row < answer.rows(); ++row) {
    if (!wanted(answer.oid(row, 3))) continue;
    if (answer.boolean(row, 4))  // regclass is written as it is called now, not as the snapshot has it
      out.changed.push_back(connection.qualified(answer.text(row, 0), answer.text(row, 1)));
    else if (answer.boolean(row, 2))
      readable.push_back({.schema = answer.string(row, 0), .name = answer.string(row, 1)});
    else
      out.unreadable.push_back(connection.qualified(answer.text(row, 0), answer.text(row, 1)));
  }
  const std::span<const Sequence> all = readable;
  for (size_t first = 0; first < all.size(); first += kSequencesAtOnce)
    read_values(connection, all.subspan(first, std::min(kSequencesAtOnce, all.size() - first)), out.values);
  return out;
}

std::vector<LargeObject> read_large_objects(Connection& connection, Oid after, int limit) {
  const Result answer = connection.execute(
      "SELECT m.oid, pg_catalog.pg_get_userbyid(m.lomowner), m.lomacl IS NOT NULL, "
      "pg_catalog.obj_description(m.oid, 'pg_largeobject') "
      "FROM pg_catalog.pg_largeobject_metadata m WHERE m.oid > $1::oid ORDER BY m.oid LIMIT $2::int",
      {std::to_string(after.value), std::to_string(limit)});
  std::vector<LargeObject> objects;
  std::map<Oid, size_t> place;
  for (int row = 0; row < answer.rows(); ++row) {
    place.emplace(answer.oid(row, 0), objects.size());
    objects.push_back({.oid = answer.oid(row, 0),
                       .owner = answer.string(row, 1),
                       .has_acl = answer.boolean(row, 2),
                       .comment = answer.optional(row, 3)});
  }
  if (objects.empty()) return objects;

  const std::initializer_list<std::optional<std::string>> range = {std::to_string(objects.front().oid.value),
                                                                   std::to_string(objects.back().oid.value)};
  const Result acls = connection.execute(R"(
    SELECT m.oid, pg_catalog.pg_get_userbyid(a.grantor),
           CASE WHEN a.grantee = 0 THEN '' ELSE pg_catalog.pg_get_userbyid(a.grantee)::text END,
           a.privilege_type, a.is_grantable
      FROM pg_catalog.pg_largeobject_metadata m,
           pg_catalog.aclexplode(m.lomacl) WITH ORDINALITY AS a(grantor, grantee, privilege_type, is_grantable, place)
     WHERE m.oid BETWEEN $1::oid AND $2::oid ORDER BY m.oid, a.place)",
                                         range);
  for (int row = 0; row < acls.rows(); ++row)
    if (const auto found = place.find(acls.oid(row, 0)); found != place.end())
      objects[found->second].acl.push_back({.grantor = acls.string(row, 1),
                                            .grantee = acls.string(row, 2),
                                            .privilege = acls.string(row, 3),
                                            .grantable = acls.boolean(row, 4)});
  const Result labels = connection.execute(
      "SELECT objoid, provider, label FROM pg_catalog.pg_seclabel "
      "WHERE classoid = 'pg_catalog.pg_largeobject'::pg_catalog.regclass AND objoid BETWEEN $1::oid AND "
      "$2::oid "
      "ORDER BY 1, 2",
      range);
  for (int row = 0; row < labels.rows(); ++row)
    if (const auto found = place.find(labels.oid(row, 0)); found != place.end())
      objects[found->second].labels.push_back(
          {.provider = labels.string(row, 1), .label = labels.string(row, 2)});
  return objects;
}

std::vector<ExtensionNeed> read_extensions(Connection& connection) {
  const Result answer = connection.execute(
      "SELECT e.extname, e.extversion, n.nspname FROM pg_catalog.pg_extension e "
      "JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace ORDER BY 1");
  std::vector<ExtensionNeed> needs;
  for (int row = 0; row < answer.rows(); ++row)
    needs.push_back(
        {.name = answer.string(row, 0), .version = answer.string(row, 1), .schema = answer.string(row, 2)});
  return needs;
}

std::vector<InvalidIndex> read_invalid_indexes(Connection& connection) {
  // Those of partitioned tables are in the dump: they become valid when all of their parts are attached.
  const Result answer = connection.execute(R"(
    SELECT t.oid, pg_catalog.format('%s.%s of %s%s', n.nspname, i.relname, t.relname,
                                    CASE WHEN x.indisunique THEN ', unique' ELSE '' END)
      FROM pg_catalog.pg_index x JOIN pg_catalog.pg_class i ON i.oid = x.indexrelid
      JOIN pg_catalog.pg_class t ON t.oid = x.indrelid JOIN pg_catalog.pg_namespace n ON n.oid = i.relnamespace
     WHERE NOT ((x.indisvalid OR t.relkind = 'p') AND x.indisready) AND t.relkind IN ('r', 'p', 'm')
       AND t.oid >= 16384 AND t.relpersistence <> 't'
     ORDER BY 2)");
  std::vector<InvalidIndex> found;
  for (int row = 0; row < answer.rows(); ++row)
    found.push_back({.table = answer.oid(row, 0), .text = answer.string(row, 1)});
  return found;
}

bool role_exists(Connection& connection, const std::string& role) {
  return connection.execute("SELECT FROM pg_catalog.pg_roles WHERE rolname = $1", {role}).rows() > 0;
}

bool is_empty_database(Connection& connection) {
  // What initdb made has an OID below 16384 (FirstNormalObjectId). What lies in a schema is looked for there,
  // so that temporary tables of a session that happens to be in do not count; triggers, rules and policies
  // belong to relations.
  const auto in_schemas = [](std::string_view catalog, std::string_view schema_column) {
    return fmt::format(
        "NOT EXISTS (SELECT FROM pg_catalog.{0} o WHERE o.oid >= 16384 AND o.{1} IN (SELECT oid FROM "
        "lasting))",
        catalog, schema_column);
  };
  const auto anywhere = [](std::string_view catalog) {
    return fmt::format("NOT EXISTS (SELECT FROM pg_catalog.{} o WHERE o.oid >= 16384)", catalog);
  };
  const std::vector<std::string> conditions = {
      in_schemas("pg_class", "relnamespace"),
      in_schemas("pg_proc", "pronamespace"),
      in_schemas("pg_type", "typnamespace"),
      in_schemas("pg_operator", "oprnamespace"),
      in_schemas("pg_opclass", "opcnamespace"),
      in_schemas("pg_opfamily", "opfnamespace"),
      in_schemas("pg_collation", "collnamespace"),
      in_schemas("pg_conversion", "connamespace"),
      in_schemas("pg_ts_config", "cfgnamespace"),
      in_schemas("pg_ts_dict", "dictnamespace"),
      in_schemas("pg_ts_parser", "prsnamespace"),
      in_schemas("pg_ts_template", "tmplnamespace"),
      anywhere("pg_am"),
      anywhere("pg_cast"),
      anywhere("pg_default_acl"),
      anywhere("pg_event_trigger"),
      anywhere("pg_foreign_data_wrapper"),
      anywhere("pg_foreign_server"),
      anywhere("pg_publication"),
      anywhere("pg_transform"),
      "NOT EXISTS (SELECT FROM pg_catalog.pg_largeobject_metadata)",  // their OIDs can be chosen
      "NOT EXISTS (SELECT FROM pg_catalog.pg_language WHERE oid >= 16384 AND lanname <> 'plpgsql')",
      "NOT EXISTS (SELECT FROM pg_catalog.pg_extension WHERE extname <> 'plpgsql')",
      "NOT EXISTS (SELECT FROM lasting WHERE oid >= 16384 AND nspname <> 'public')",
      "NOT EXISTS (SELECT FROM pg_catalog.pg_subscription WHERE subdbid = (SELECT oid FROM here))",
  };
  return connection
      .execute(fmt::format("WITH lasting AS (SELECT oid, nspname FROM pg_catalog.pg_namespace "
                           "WHERE nspname !~ '^pg_(toast_)?temp_'), "
                           "here AS (SELECT oid FROM pg_catalog.pg_database "
                           "WHERE datname = pg_catalog.current_database()) SELECT {}",
                           fmt::join(conditions, " AND ")))
      .boolean(0, 0);
}

}  // namespace dbb::postgres
