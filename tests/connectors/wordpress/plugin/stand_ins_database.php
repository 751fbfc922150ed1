<?php
/**
 * The table of options, as far as the plugin counts in it by itself (`wp-includes/class-wpdb.php`).
 *
 * As MySQL 8.0 and MariaDB 10.11 do: a row that is inserted takes LAST_INSERT_ID() for its own
 * number, whatever the statement says; changing one leaves what the statement says.
 */

// phpcs:disable
class Options_Table {
	public string $prefix  = 'wp_';
	public string $options = 'wp_options';
	public array $rows     = array( 'siteurl' => 'https://shop.example' );
	public int $inserted   = 400;
	public string $last    = '0';
	public array $deleted  = array();

	public function prepare( $query, ...$values ) {
		return vsprintf( str_replace( '%s', "'%s'", $query ), $values );
	}

	/** How many rows are another now. */
	public function query( $query ) {
		$query = preg_replace( '/\s+/', ' ', $query );
		if ( preg_match( "/^INSERT IGNORE INTO wp_options \(option_name, option_value, autoload\) VALUES \('(\w+)', '(\d+)', 'off'\)$/D", $query, $found ) ) {
			return $this->insert_row( $found[1], $found[2] );
		}
		if ( preg_match( "/^UPDATE wp_options SET option_value = LAST_INSERT_ID\( GREATEST\( CAST\( option_value AS UNSIGNED \) \+ 1, (\d+) \) \) WHERE option_name = '(\w+)'$/D", $query, $found ) ) {
			return $this->change_row( $found[2], fn( int $before ) => max( $before + 1, (int) $found[1] ) );
		}
		$this->deleted[] = $query;
		return 0;
	}

	public function get_var( $query = null, $x = 0, $y = 0 ) { return $this->last; }
	public function delete( $table, $where, $where_format = null ) { return 0; }

	private function insert_row( string $name, string $value ): int {
		if ( isset( $this->rows[ $name ] ) ) {
			return 0;
		}
		$this->rows[ $name ] = $value;
		$this->last          = (string) ++$this->inserted;
		return 1;
	}

	private function change_row( string $name, callable $value ): int {
		if ( ! isset( $this->rows[ $name ] ) ) {
			return 0;
		}
		$this->rows[ $name ] = $this->last = (string) $value( (int) $this->rows[ $name ] );
		return 1;
	}
}
